// SPDX-License-Identifier: Apache-2.0
#include "CLibbpf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#if !__has_embed("../../build/rstwho.bpf.o")
#error "The kernel part is not built: run `make bpf` first (it needs clang and libbpf-dev), then build again."
#else
// Aligned as libelf reads it.
_Alignas(16) static const unsigned char object[] = {
#embed "../../build/rstwho.bpf.o"
};
#endif

const void *rstwho_object_bytes(void)
{
	return object;
}

size_t rstwho_object_size(void)
{
	return sizeof(object);
}

static int ignore(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	(void)format;
	(void)arguments;
	return 0;
}

void rstwho_quiet_libbpf(void)
{
	libbpf_set_print(ignore);
}

struct bpf_object *rstwho_open_object(const void *bytes, size_t size)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "rstwho");

	return bpf_object__open_mem(bytes, size, &options);
}

int rstwho_run_program(int program, const void *context, uint32_t size)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = context, .ctx_size_in = size);
	int failed = bpf_prog_test_run_opts(program, &options);

	return failed ? failed : (int)options.retval;
}
