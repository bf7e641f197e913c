/* Include TANGENTS, a file of functions for some tangents that stay in registers, once
   for one number and once for each width of vectors. It uses
    T         the type of the tangents that are taken as one,
    WIDTH     their number,
    NAME(x)   the name of x for this type. */

#define T       double
#define WIDTH   1
#define NAME(x) x##_one
#include TANGENTS
#undef T
#undef WIDTH
#undef NAME

#define T       four
#define WIDTH   4
#define NAME(x) x##_four
#include TANGENTS
#undef T
#undef WIDTH
#undef NAME

#define T       eight
#define WIDTH   8
#define NAME(x) x##_eight
#include TANGENTS
#undef T
#undef WIDTH
#undef NAME

#undef TANGENTS
