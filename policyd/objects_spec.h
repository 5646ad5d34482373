/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the spec of a profile into it; whom it selects without a labelSelector is left to objects.c. */
#ifndef NSP_POLICYD_OBJECTS_SPEC_H
#define NSP_POLICYD_OBJECTS_SPEC_H

#include "policyd/objects_field.h"

int spec_read(const struct field *field, struct profile *profile);

#endif
