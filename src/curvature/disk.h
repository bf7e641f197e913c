/** The space on the disk that a run needs, predicted from its plan. */
#ifndef HESSE_CURVATURE_DISK_H
#define HESSE_CURVATURE_DISK_H

#include "curvature/plan.h"

/** Local. Return the bytes of the result file, exact to about a tenth. */
double hesse_disk_of_result(const hesse_plan *plan);

/** Local. Return the largest number of bytes that all part files of a run have at any
 * time: results of matrices, which are kept to the end, and panels of unfinished
 * blocks. */
double hesse_disk_of_parts(const hesse_plan *plan);

#endif /* HESSE_CURVATURE_DISK_H */
