/* SPDX-License-Identifier: Apache-2.0 */
/* Resources that end with their scope: declare with a cleanup_* attribute, hand over with TAKE_PTR or TAKE_FD. */
#ifndef NSP_LIB_CLEANUP_H
#define NSP_LIB_CLEANUP_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free_function(void *p)
{
    free(*(void **)p);
}

static inline void cleanup_close_function(const int *fd)
{
    int saved = errno;

    if (*fd >= 0)
        close(*fd);
    errno = saved;
}

static inline void cleanup_fclose_function(FILE **f)
{
    if (*f)
        fclose(*f);
}

#define cleanup_free __attribute__((cleanup(cleanup_free_function)))
#define cleanup_close __attribute__((cleanup(cleanup_close_function)))
#define cleanup_fclose __attribute__((cleanup(cleanup_fclose_function)))

#define TAKE_PTR(p)                                                                                                    \
    ({                                                                                                                 \
        typeof(p) taken_ = (p);                                                                                        \
        (p) = NULL;                                                                                                    \
        taken_;                                                                                                        \
    })

#define TAKE_FD(fd)                                                                                                    \
    ({                                                                                                                 \
        int taken_ = (fd);                                                                                             \
        (fd) = -1;                                                                                                     \
        taken_;                                                                                                        \
    })

#endif
