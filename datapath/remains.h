/* SPDX-License-Identifier: Apache-2.0 */
/* Detaches with what is left of a pinned datapath that is not whole: without its records, by the keys of its maps. */
#ifndef NSP_DATAPATH_REMAINS_H
#define NSP_DATAPATH_REMAINS_H

#include "lib/error.h"

/* Takes off all that can be. What may stay attached is a failure (EUCLEAN), whose message says how to see it. */
int remains_detach(const char *directory, struct error *err);

#endif
