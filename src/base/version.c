/* The version stands in CMakeLists.txt alone. */
#include "hesse/status.h"

const char *hesse_version(void)
{
    return HESSE_VERSION;
}
