/** All ranks learn of a signal that came to one rank. */
#ifndef HESSE_CHECKPOINT_STOP_H
#define HESSE_CHECKPOINT_STOP_H

#include "checkpoint/checkpoint.h"
#include "hesse/team.h"

#include <stdbool.h>

typedef struct hesse_stop hesse_stop;

/** Collective. From now on signals do not end the program at once.
 *
 *  signals  [in]  NULL: this rank gets no signals.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_stop_new(hesse_team *team, hesse_signals *signals,
                            hesse_stop **stop);

/** Collective. NULL on all ranks is legal. */
void hesse_stop_free(hesse_stop *stop);

/** Local. True if this rank knows of a signal to any rank; then it tells the others.
 * Waits for no rank. */
bool hesse_stop_asked(hesse_stop *stop);

/** Local. From here on a signal ends the program at once: nothing is lost then.
 *
 *  line  [in]  the text that rank 0 prints before the end; it must live until the next
 *           call. NULL: signals do not end the program at once any more. */
void hesse_stop_at_once(hesse_stop *stop, const char *line);

#endif /* HESSE_CHECKPOINT_STOP_H */
