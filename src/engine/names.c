/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names.c - see names.h.  The form is podman's, the words are not: fair weather, and people
 * who sailed, drew charts, built ships or measured the world.
 */
#include "engine/names.h"
#include "base/attr.h"
#include "base/id.h"
#include "base/str.h"
#include <ctype.h>
#include <stdint.h>

static const char adjectives[][10] = {
    "able",     "agile",    "alert",     "amber",     "ample",     "ardent",   "astute",
    "azure",    "balmy",    "blithe",    "bold",      "brave",     "breezy",   "bright",
    "brisk",    "buoyant",  "calm",      "candid",    "careful",   "cheery",   "civil",
    "clear",    "clever",   "coastal",   "cobalt",    "cordial",   "cosy",     "crisp",
    "curious",  "dapper",   "daring",    "deft",      "dewy",      "direct",   "durable",
    "eager",    "earnest",  "easterly",  "even",      "fabled",    "fair",     "famed",
    "festive",  "fine",     "fleet",     "fluent",    "fond",      "frank",    "fresh",
    "frosty",   "gallant",  "gentle",    "gilded",    "glad",      "golden",   "grand",
    "hale",     "handy",    "hardy",     "hearty",    "honest",    "humble",   "ideal",
    "jaunty",   "jolly",    "jovial",    "keen",      "kind",      "lasting",  "leeward",
    "level",    "lively",   "loyal",     "lucid",     "lunar",     "maiden",   "mellow",
    "merry",    "mild",     "mindful",   "modest",    "moonlit",   "neat",     "nimble",
    "noble",    "nordic",   "northern",  "placid",    "plucky",    "polished", "prudent",
    "quick",    "quiet",    "radiant",   "ready",     "regal",     "robust",   "rosy",
    "rugged",   "salty",    "seaworthy", "serene",    "shipshape", "silver",   "snug",
    "solar",    "solid",    "southern",  "sparkling", "spry",      "stalwart", "starry",
    "staunch",  "steady",   "steep",     "stout",     "sturdy",    "sunlit",   "sunny",
    "sure",     "swift",    "tidal",     "tidy",      "tranquil",  "trim",     "trusty",
    "upbeat",   "valiant",  "verdant",   "vigilant",  "vivid",     "warm",     "watchful",
    "westerly", "windward", "wise",      "witty",     "yonder",    "zealous",
};

static const char surnames[][13] = {
    "agnesi",       "aldrin",       "amundsen",     "anning",     "apgar",      "avicenna",
    "baffin",       "baird",        "balboa",       "banks",      "barents",    "baret",
    "beaufort",     "beaulieu",     "bering",       "bernoulli",  "bessel",     "bligh",
    "boltzmann",    "bose",         "bougainville", "bowditch",   "brunel",     "buchanan",
    "burnell",      "cabot",        "cabral",       "cartwright", "cassini",    "cavendish",
    "celsius",      "chapman",      "cheng",        "chichester", "clairaut",   "cook",
    "cousteau",     "dampier",      "davis",        "delambre",   "dezhnev",    "dirichlet",
    "doppler",      "drake",        "drebbel",      "earle",      "eiffel",     "elcano",
    "eratosthenes", "ericsson",     "euclid",       "fermi",      "fitzroy",    "flinders",
    "forel",        "foucault",     "franklin",     "frobisher",  "fulton",     "galvani",
    "gama",         "gauss",        "germain",      "goethals",   "gray",       "grosseteste",
    "halley",       "harrison",     "hawking",      "heaviside",  "henry",      "hertz",
    "hevelius",     "heyerdahl",    "hipparchus",   "hooker",     "hudson",     "humboldt",
    "huygens",      "ibnmajid",     "joule",        "juan",       "kelvin",     "kepler",
    "knight",       "kruzenstern",  "lamarr",       "laperouse",  "laplace",    "lavoisier",
    "leif",         "lind",         "linnaeus",     "lyell",      "mackenzie",  "magellan",
    "magnus",       "maskelyne",    "maury",        "mercator",   "mercer",     "messier",
    "mitchell",     "monge",        "munk",         "nansen",     "napier",     "nares",
    "newcomen",     "nordenskiold", "ohm",          "oresme",     "ortelius",   "papin",
    "park",         "pasteur",      "peary",        "perry",      "pigafetta",  "piri",
    "planck",       "plimsoll",     "polo",         "ptolemy",    "pytheas",    "rennell",
    "riemann",      "ross",         "saussure",     "schouten",   "scoresby",   "scott",
    "shackleton",   "slocum",       "smeaton",      "sobel",      "somerville", "steno",
    "stevin",       "sverdrup",     "tasman",       "telford",    "thales",     "tharp",
    "torricelli",   "vancouver",    "vespucci",     "volta",      "wallis",     "watt",
    "weddell",      "wegener",      "wilkes",       "worsley",    "wren",       "zheng",
    "zuse",
};

char *name_generate(void)
{
    uint32_t random[2];

    id_random(random, sizeof(random));
    return str_printf("%s_%s", adjectives[random[0] % ARRAY_LEN(adjectives)],
                      surnames[random[1] % ARRAY_LEN(surnames)]);
}

bool name_is_valid(const char *name)
{
    if (!isalnum((unsigned char)*name))
        return false;
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && !strchr("_.-", *name))
            return false;
    return true;
}
