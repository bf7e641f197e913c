/** hesse: exact curvature of transformers. All public headers, in the order to read. */
#ifndef HESSE_HESSE_H
#define HESSE_HESSE_H

#include "hesse/status.h"

#include "hesse/team.h"

#include "hesse/arch.h"

#include "hesse/data.h"
#include "hesse/dataset.h"
#include "hesse/network.h"
#include "hesse/objective.h"

#include "hesse/parts.h"

#include "hesse/analysis.h"

#include "hesse/directions.h"

#include "hesse/kronecker.h"

#include "hesse/landscape.h"

#include "hesse/theory.h"

#include "hesse/spectrum.h"
#include "hesse/tail.h"

#include "hesse/quadrature.h"

#include "hesse/extremes.h"
#include "hesse/hutchinson.h"

#include "hesse/lanczos.h"

#include "hesse/density.h"
#include "hesse/distance.h"

#endif /* HESSE_HESSE_H */
