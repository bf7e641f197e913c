/** A setting that a family of networks or a kind of data owns. */
#ifndef HESSE_BASE_OWNED_KEY_H
#define HESSE_BASE_OWNED_KEY_H

/** Lists of owned keys end with a NULL name. The job's key table defines the
 * setting. */
typedef struct hesse_owned_key {
    const char *name;     /* of the key, without its section                 */
    const char *standard; /* its default as written in a job; NULL: it has none,
                             or one that follows from others              */
} hesse_owned_key;

#endif /* HESSE_BASE_OWNED_KEY_H */
