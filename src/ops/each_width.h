/* Include TANGENTS, a file of functions for some tangents that stay in registers, once
   for one number and once for each width of vectors. It uses
    T         the type of the tangents that are taken as one,
    WIDTH     their number,
    NAME(x)   the name of x for this type. */

#define T       real
#define WIDTH   1
#define NAME(x) x##_one
#include TANGENTS
#undef T
#undef WIDTH
#undef NAME

#define T       bytes_32
#define WIDTH   HESSE_REALS_32
#define NAME(x) x##_32
#include TANGENTS
#undef T
#undef WIDTH
#undef NAME

#define T       bytes_64
#define WIDTH   HESSE_REALS_64
#define NAME(x) x##_64
#include TANGENTS
#undef T
#undef WIDTH
#undef NAME

#undef TANGENTS
