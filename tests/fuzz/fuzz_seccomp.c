/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_seccomp.c - bytes as a seccomp profile: what is taken compiles, or says why not. */
#include "engine/seccomp.h"
#include "engine/spec_priv.h"
#include <linux/filter.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_list_ struct berth_list caps = LIST_INIT;
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    _cleanup_list_ struct berth_list unknown = LIST_INIT;
    _cleanup_buf_ struct berth_buf bpf = BUF_INIT;
    _cleanup_json_ json *filter = NULL;
    int r;

    list_add(&caps, "CAP_CHOWN");
    list_add(&caps, "CAP_SYS_ADMIN");
    r = spec_seccomp((struct berth_blob){data, size}, "profile", &caps, &filter, &err);
    if (r == 0 && filter)
        r = seccomp_compile(filter, &bpf, &unknown, &err);
    if (r < 0 && !err.code)
        abort();
    if (r == 0 && filter && (!bpf.len || bpf.len % sizeof(struct sock_filter)))
        abort();
    return 0;
}
