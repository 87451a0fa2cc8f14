/* SPDX-License-Identifier: Apache-2.0 */
/* The files of the page at `/`, part of the program so that it is one file to copy. */
#ifndef RSTWHO_CPAGE_H
#define RSTWHO_CPAGE_H

#include <stddef.h>

/* Bytes that live as long as the program. */
struct page_file {
	const unsigned char *bytes;
	size_t size;
};

struct page_file rstwho_page_document(void);
struct page_file rstwho_page_style(void);
struct page_file rstwho_page_script(void);

#endif
