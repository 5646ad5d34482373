/* SPDX-License-Identifier: Apache-2.0 */
/* What libbpf says while it loads. It is silent unless loading fails; then the last lines, the verifier's, are logged.
 */
#ifndef NSP_DATAPATH_LOAD_LOG_H
#define NSP_DATAPATH_LOAD_LOG_H

/* From now on libbpf's messages are kept, not printed. */
void load_log_start(void);

/* Logs the last lines as errors and forgets all. */
void load_log_report(void);

/* Forgets all and makes libbpf silent. */
void load_log_stop(void);

#endif
