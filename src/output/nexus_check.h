/** A check of the NeXus attributes of a result file. */
#ifndef HESSE_OUTPUT_NEXUS_CHECK_H
#define HESSE_OUTPUT_NEXUS_CHECK_H

#include "output/reader.h"

/** Local. Check that `default` of every group leads to a group of the class NXdata, and
 * that signals, auxiliary signals and axes of these groups are datasets whose shapes
 * fit. A file without these attributes passes. The reader keeps a failure. */
void hesse_nexus_check(hesse_reader *r);

#endif /* HESSE_OUTPUT_NEXUS_CHECK_H */
