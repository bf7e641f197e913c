#include "data/choose.h"

hesse_status hesse_choice_begin(const hesse_data_options *options,
                                hesse_purpose purpose, size_t available,
                                const char *path, const char *what,
                                hesse_choice *choice, hesse_why *why)
{
    const size_t usual = options->all || available < HESSE_USUAL_EXAMPLES
                             ? available
                             : HESSE_USUAL_EXAMPLES;
    *choice = (hesse_choice){.left = available,
                             .wanted = options->sequences ? (size_t)options->sequences
                                                          : usual,
                             .shuffle = options->shuffle,
                             .seed = options->seed,
                             .purpose = purpose};
    if (choice->wanted && choice->wanted <= available) return HESSE_OK;
    return hesse_fail(why, HESSE_E_INPUT, "%s: holds %zu %s, expected %zu or more",
                      path, available, what, choice->wanted ? choice->wanted : 1);
}

bool hesse_choice_takes(hesse_choice *c, size_t i)
{
    const double left = (double)c->left--;
    if (!c->wanted) return false;
    if (c->shuffle && hesse_uniform(c->seed, c->purpose, i) * left >= (double)c->wanted)
        return false;
    c->wanted--;
    return true;
}

hesse_status hesse_check_limits(const hesse_limits *list, size_t count, hesse_why *why)
{
    for (size_t i = 0; i < count; i++)
        if (!(list[i].value >= list[i].least && list[i].value <= list[i].most))
            return hesse_fail(why, HESSE_E_JOB, "%s is %.10g, expected %.10g to %.10g",
                              list[i].name, list[i].value, list[i].least, list[i].most);
    return HESSE_OK;
}
