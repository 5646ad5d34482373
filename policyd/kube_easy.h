/* SPDX-License-Identifier: Apache-2.0 */
/* What one request to the API server is made of. Between kube.c and kube_easy.c. */
#ifndef NSP_POLICYD_KUBE_EASY_H
#define NSP_POLICYD_KUBE_EASY_H

#include "policyd/kube.h"

/* Fills in request->easy and ->headers; what is made on failure is the caller's to release. Reads the token anew. */
int kube_easy_make(struct kube_request *request, const char *path, struct error *err);

/* Something was heard on the request's connection. */
void kube_note_bytes(struct kube_request *request);

#endif
