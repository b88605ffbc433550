/* SPDX-License-Identifier: Apache-2.0 */
/* sha256.h - SHA-256 (FIPS 180-4): IDs of networks are those of their names. */
#ifndef BERTH_CNI_SHA256_H
#define BERTH_CNI_SHA256_H

#include <stddef.h>
#include <stdint.h>

void sha256(const void *data, size_t len, uint8_t digest[32]);

#endif
