/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets that only root can reach. */
#ifndef NSP_POLICYD_UNIX_SOCKET_H
#define NSP_POLICYD_UNIX_SOCKET_H

#include "lib/error.h"

/*
 * A non-blocking listener of `type` at `path`, mode 0600, in a folder that is made with mode 0700 if it is missing. A
 * socket that an earlier process left there is replaced; anything else there is an error. The descriptor, or negative.
 */
int unix_socket_listen(const char *path, int type, struct error *err);

#endif
