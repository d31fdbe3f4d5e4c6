/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_WORKFLOW_PIPELINE_PRIVATE_H
#define SIGNALBOX_WORKFLOW_PIPELINE_PRIVATE_H

/*
 * What pipeline.c and pipeline_overlay.c share.
 */

#include "engine/base/findings.h"
#include "engine/workflow/pipeline.h"

/* Lay what stands behind the mark (at `mark` in text; nothing when that is len) over a
 * pipeline whose steps have names. What is wrong is added to findings and leaves the pipeline as
 * it was. */
void overlay_decode(const char *file, const char *text, size_t mark, size_t len,
                    struct pipeline *pipeline, struct findings *findings);

#endif
