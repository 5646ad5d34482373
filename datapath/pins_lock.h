/* SPDX-License-Identifier: Apache-2.0 */
/* The lock under which pods' records and the set of pins change: flock() of the pin directory, gone with its holder. */
#ifndef NSP_DATAPATH_PINS_LOCK_H
#define NSP_DATAPATH_PINS_LOCK_H

#include "lib/error.h"

/*
 * Waits for the lock. Returns a descriptor; closing it unlocks. ENOENT: the directory is gone, or was removed while we
 * waited, so that whoever opened its pins before holds what nobody reads any more.
 */
int pins_lock(const char *directory, struct error *err);

#endif
