// SPDX-License-Identifier: Apache-2.0
// zlib and libzstd for Swift: compressed captures are read through them.
#ifndef CCOMPRESSION_H
#define CCOMPRESSION_H

#include <zlib.h>
#include <zstd.h>

#endif
