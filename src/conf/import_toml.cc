/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import_toml.cc - berth-toml FILE: a TOML document as JSON, for `berth config import`.
 *
 * A program of its own, because the library is C++ and nothing else in berth is.  Errors go
 * to standard error as FILE:LINE: TEXT, with exit status 1.
 */
#include <cstdio>
#include <exception>
#include <iostream>
#include <toml++/toml.h>

int main(int argc, char **argv)
{
    if (argc != 2) {
        std::fputs("usage: berth-toml FILE\n", stderr);
        return 2;
    }
    try {
        const toml::table doc = toml::parse_file(argv[1]);

        std::cout << toml::json_formatter{doc} << std::endl;
        return std::cout.good() ? 0 : 1;
    } catch (const toml::parse_error &e) {
        std::cerr << argv[1] << ":" << e.source().begin.line << ": " << e.description() << "\n";
    } catch (const std::exception &e) {
        std::cerr << argv[1] << ": " << e.what() << "\n";
    }
    return 1;
}
