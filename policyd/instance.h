/* SPDX-License-Identifier: Apache-2.0 */
/* One policyd for each pin directory. */
#ifndef NSP_POLICYD_INSTANCE_H
#define NSP_POLICYD_INSTANCE_H

#include "lib/error.h"

/*
 * Takes the lock of a pin directory; *lock is a descriptor that holds it, or -1 when nothing is pinned there yet.
 * EBUSY: another policyd has it, and kept it for wait_ms.
 */
int instance_lock(const char *directory, int wait_ms, int *lock, struct error *err);

/*
 * The lock goes with its folder: where that is another one now, takes its lock too and puts it in *lock. Nothing where
 * there is none. EBUSY: another policyd has put its own there.
 */
int instance_keep(const char *directory, int *lock, struct error *err);

#endif
