/** Hugging Face's config.json, and nanoGPT's keys in the same place.
 *
 *  A family's reader is a list of keys. The functions below read them and check type
 * and range. They keep the first error and return defaults from then on, so that a
 * reader needs no conditions. A key whose other values would change what the network
 * computes, and that this program does not compute, is read only to be refused. */
#ifndef HESSE_NETWORK_FAMILIES_CONFIG_H
#define HESSE_NETWORK_FAMILIES_CONFIG_H

#include "base/digest.h"
#include "hesse/arch.h"
#include "hesse/status.h"

#include <jansson.h>

typedef struct hesse_config {
    const char *path;
    const char *scope; /* before keys in messages, e.g. "rope_parameters." */
    const json_t *root;
    hesse_status s;
    hesse_why *why;
} hesse_config;

/** Local. Fill *arch from a config.json, or from a folder that holds one. The family is
 *  arch->family, and "model_type", if the file has it, must be one of its types.
 *  arch->layout stays as it is; after an error, all of *arch does.
 *
 *  Errors: HESSE_E_JOB when the family has no config.json; HESSE_E_INPUT when the file
 *  is missing, is no JSON (with line and column), lacks a key, has one of the wrong
 * type or range, or asks for something that is not computed here. */
hesse_status hesse_config_read(const char *path, hesse_arch *arch, hesse_why *why);

/** The words of job keys that a config.json implies; "" where it implies none. */
typedef struct hesse_told {
    char family[HESSE_FAMILY]; /* by model_type                            */
    char task[16];             /* by the class in `architectures`          */
    char loss[24];             /* by problem_type and the number of labels */
} hesse_told;

/** Local. Read what a config.json, or a folder that holds one, implies.
 *
 *  family  [in]  true if its model_type must be that of a family.
 *  Errors: HESSE_E_INPUT when it is not, or when the file cannot be read. */
hesse_status hesse_config_tell(const char *path, bool family, hesse_told *told,
                               hesse_why *why);

enum {
    HESSE_CONFIG_LAYERS = HESSE_MOST_LAYERS,
    HESSE_CONFIG_MOST = 1 << 24,
    HESSE_REQUIRED = 0
};

/** Local. Return the value of a key; NULL if it is absent or null, which mean the same.
 */
const json_t *hesse_config_value(const hesse_config *c, const char *key);

/** Local. Note that a key has another value than expected. */
void hesse_config_refuse(hesse_config *c, const char *key, const char *expected);

/** Local. The SHA-256 of a config.json, or of the one in a folder.
 *  Errors: HESSE_E_INPUT when it cannot be read; HESSE_E_NOMEM. */
hesse_status hesse_config_digest(const char *path, char digest[HESSE_DIGEST_LENGTH],
                                 hesse_why *why);

/** Local. Read an integer from 1 to most, or from 0 to most; a number above 0; true or
 *  false; a text; the activation of a name. Each returns `absent` where the key is not
 *  there; for an integer HESSE_REQUIRED makes that an error. */
int hesse_config_integer(hesse_config *c, const char *key, int most, int absent);
int hesse_config_whole(hesse_config *c, const char *key, int most, int absent);
double hesse_config_positive(hesse_config *c, const char *key, double absent);
bool hesse_config_truth(hesse_config *c, const char *key, bool absent);
const char *hesse_config_string(hesse_config *c, const char *key, const char *absent);
hesse_activation hesse_config_activation(hesse_config *c, const char *key,
                                         const char *absent);

/** Local. Refuse every value of a key but the one that is computed here. */
void hesse_config_must_be(hesse_config *c, const char *key, bool only);

/** Names of the keys of an encoder, and its usual number of layers. */
typedef struct hesse_encoder_keys {
    const char *layers, *width;
    int usual_layers;
    const char *inner, *heads, *activation;
} hesse_encoder_keys;

/** Local. Read the keys that encoders have in common: layers, width, inner, heads,
 *  activation and labels; hesse_config_encoder by their usual names, and with them
 *  layer_norm_eps. hesse_config_text_encoder refuses what encoders of tokens do not
 *  compute here. */
void hesse_config_encoder_named(hesse_config *c, hesse_arch *arch,
                                const hesse_encoder_keys *keys);
void hesse_config_encoder(hesse_config *c, hesse_arch *arch);
void hesse_config_text_encoder(hesse_config *c);

#endif /* HESSE_NETWORK_FAMILIES_CONFIG_H */
