/* SPDX-License-Identifier: Apache-2.0 */
/* The migrations of the fleet's store, part of the program so that it is one file to copy. */
#ifndef RSTWHO_CFLEETSQL_H
#define RSTWHO_CFLEETSQL_H

#include <stddef.h>

/* A migration: its text, which is not terminated, and the name of its file without the suffix. */
struct fleet_migration {
	const char *name;
	const unsigned char *text;
	size_t size;
};

/* The migrations in their order; those behind the last have no name. */
struct fleet_migration rstwho_fleet_migration(size_t index);

#endif
