// SPDX-License-Identifier: Apache-2.0
// libbpf for Swift.
#ifndef CLIBBPF_H
#define CLIBBPF_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#endif
