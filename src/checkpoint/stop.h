/** SIGUSR1, SIGTERM and SIGINT ask a run to save and end. A second signal ends it at once. */
#ifndef HESSE_CHECKPOINT_STOP_H
#define HESSE_CHECKPOINT_STOP_H

#include "hesse/team.h"

#include <stdbool.h>

typedef struct hesse_stop hesse_stop;

/** Collective. From now on signals are noted. One stop at a time.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_stop_new(hesse_team *team, hesse_stop **stop);

/** Collective. Signals do again what they did before. NULL on all ranks is legal. */
void hesse_stop_free(hesse_stop *stop);

/** Local. Whether a signal came to any rank, as far as is known here; the others are told.
 *  Waits for nobody. */
bool hesse_stop_asked(hesse_stop *stop);

/** Local. While sealed, a signal ends the program at once with the status of a stopped run:
 *  nothing is lost then, and nobody could ask.
 *
 *  line  [in]  what rank 0 prints before; lives until unsealed. NULL: unseal. */
void hesse_stop_seal(hesse_stop *stop, const char *line);

#endif /* HESSE_CHECKPOINT_STOP_H */
