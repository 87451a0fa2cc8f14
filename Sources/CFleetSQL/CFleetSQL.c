// SPDX-License-Identifier: Apache-2.0
#include "CFleetSQL.h"

static const unsigned char tables[] = {
#embed "sql/0001_tables.sql"
};

static const unsigned char forgotten[] = {
#embed "sql/0002_forgotten.sql"
};

struct fleet_migration rstwho_fleet_migration(size_t index)
{
	switch (index) {
	case 0:
		return (struct fleet_migration){ "0001_tables", tables, sizeof(tables) };
	case 1:
		return (struct fleet_migration){ "0002_forgotten", forgotten, sizeof(forgotten) };
	default:
		return (struct fleet_migration){ NULL, NULL, 0 };
	}
}
