/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether our names in the pin directory still lead to what this process holds open, and if not, pins it there again.
 * Who can unlink or replace them is root on the node; what it breaks is every later ADD, and where it is the links that
 * go, the veths.
 */
#ifndef NSP_DATAPATH_PINS_MEND_H
#define NSP_DATAPATH_PINS_MEND_H

#include <stdbool.h>

#include "datapath/pins.h"

struct pins_mended {
    unsigned int vanished, replaced;
    const char *name;         /* the first of them */
    bool is_directory_remade; /* it was gone, and all with it */
};

/*
 * Excludes loads, as load_or_adopt() does. Each name comes back by a rename, so that an opener finds one or the other;
 * a directory that is gone comes back whole. 0, with what was done in `mended`, or the first failure.
 */
int pins_mend(const struct datapath *datapath, struct pins_mended *mended, struct error *err);

#endif
