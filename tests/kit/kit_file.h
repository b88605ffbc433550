/* SPDX-License-Identifier: Apache-2.0 */
/* kit_file.h - what the kit says of a plugin's file and of its descriptor. */
#ifndef BERTH_KIT_FILE_H
#define BERTH_KIT_FILE_H

/*
 * Look at the file without loading it, then at its descriptor, and print TAP lines, numbered
 * from *NUMBER + 1 on.  *NUMBER becomes the last one.  Gives how many cases failed, or -1 with
 * a line on standard error if there is nothing to look at.
 */
int kit_file_run(const char *path, unsigned *number);

#endif
