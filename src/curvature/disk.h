/** What a run takes of the disk, from its plan. */
#ifndef HESSE_CURVATURE_DISK_H
#define HESSE_CURVATURE_DISK_H

#include "curvature/plan.h"

/** Local. Bytes of the result file, to a tenth or so. */
double hesse_disk_of_result(const hesse_plan *plan);

/** Local. Bytes of all part files of a run, at most at any one time: results of
 * matrices, which are kept to the end, and panels of the blocks in work. */
double hesse_disk_of_parts(const hesse_plan *plan);

#endif /* HESSE_CURVATURE_DISK_H */
