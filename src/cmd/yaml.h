/* SPDX-License-Identifier: Apache-2.0 */
/* yaml.h - a JSON tree as YAML text, as `podman info` prints it. */
#ifndef BERTH_CMD_YAML_H
#define BERTH_CMD_YAML_H

#include "base/json.h"

/* Append an object, its members in the order of their names. */
void yaml_write(const json *object, struct berth_buf *out);

#endif
