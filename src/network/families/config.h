/** Hugging Face's config.json, and nanoGPT's keys in the same place. */
#ifndef HESSE_NETWORK_FAMILIES_CONFIG_H
#define HESSE_NETWORK_FAMILIES_CONFIG_H

#include "hesse/arch.h"
#include "hesse/status.h"

/** Local. Fill *arch from a config.json, or a folder that holds one, of the family that
 *  arch->family says and "model_type", where it stands, must name too. arch->layout is
 *  left as it is; after an error, all of *arch.
 *
 *  Families: gpt2, llama, bert, vit.
 *  Errors: HESSE_E_JOB for another family; HESSE_E_INPUT when the file is missing, is no JSON (with line and column),
 *  lacks a key, has one of the wrong type or range, or asks for something that would be
 *  silently wrong here (rope_scaling, an unknown activation, sliding windows, ...). */
hesse_status hesse_config_read(const char *path, hesse_arch *arch, hesse_why *why);

#endif /* HESSE_NETWORK_FAMILIES_CONFIG_H */
