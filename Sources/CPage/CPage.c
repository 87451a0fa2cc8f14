// SPDX-License-Identifier: Apache-2.0
#include "CPage.h"

static const unsigned char document[] = {
#embed "../../page/index.html"
};

static const unsigned char style[] = {
#embed "../../page/page.css"
};

static const unsigned char script[] = {
#embed "../../page/page.js"
};

struct page_file rstwho_page_document(void)
{
	return (struct page_file){ document, sizeof(document) };
}

struct page_file rstwho_page_style(void)
{
	return (struct page_file){ style, sizeof(style) };
}

struct page_file rstwho_page_script(void)
{
	return (struct page_file){ script, sizeof(script) };
}
