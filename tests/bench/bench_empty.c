/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_empty.c - the least that a program like berth can cost to start: it is linked with the
 * same libraries and flags, and its main() does nothing.  With -Wl,--no-as-needed, or nothing
 * of them would be loaded.
 */
int main(void)
{
    return 0;
}
