/** A signal that came to one rank reaches all. */
#ifndef HESSE_CHECKPOINT_STOP_H
#define HESSE_CHECKPOINT_STOP_H

#include "checkpoint/checkpoint.h"
#include "hesse/team.h"

#include <stdbool.h>

typedef struct hesse_stop hesse_stop;

/** Collective. From now on signals do not end the program at once.
 *
 *  signals  [in]  NULL: none come to this rank.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_stop_new(hesse_team *team, hesse_signals *signals,
                            hesse_stop **stop);

/** Collective. NULL on all ranks is legal. */
void hesse_stop_free(hesse_stop *stop);

/** Local. Whether a signal came to any rank, as far as is known here; the others are
 * told. Waits for nobody. */
bool hesse_stop_asked(hesse_stop *stop);

/** Local. From here on a signal ends the program at once: nothing is lost then.
 *
 *  line  [in]  what rank 0 prints before; lives until the next call. NULL: no longer.
 */
void hesse_stop_at_once(hesse_stop *stop, const char *line);

#endif /* HESSE_CHECKPOINT_STOP_H */
