/** What a network needs of its data. */
#ifndef HESSE_NETWORK_FAMILIES_NEEDS_H
#define HESSE_NETWORK_FAMILIES_NEEDS_H

#include "hesse/arch.h"
#include "hesse/data.h"

/** Local. By its family and its sizes, as far as they are known. */
hesse_data_needs hesse_family_needs(const hesse_arch *arch);

#endif /* HESSE_NETWORK_FAMILIES_NEEDS_H */
