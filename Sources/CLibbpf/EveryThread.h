// SPDX-License-Identifier: Apache-2.0
// Something that each thread of this process has to do for itself.
#pragma once

// Has every thread call `act`, in a signal handler (async-signal-safe calls only), until a look at all of them finds
// `is_done` true for each; threads that have ended are done. 0, or -ETIMEDOUT where some thread could not be reached
// within two seconds, or another negative errno. One call at a time.
int rstwho_on_every_thread(void (*act)(void), _Bool (*is_done)(long thread));
