#include "plan/protocols.h"

#include "config/protocol.h"

struct protocols protocols_of(const struct settings *settings) {
	const struct text_list *offer = &settings->tls.alpn;
	struct protocols protocols = {false, TLS_HTTP_1};
	if (!protocol_wants_h2(settings)) return protocols;
	bool offers_both = protocol_is_among(offer, "http/1.1") || (settings->net.http2 && !offer->count);
	bool falls_back = offers_both && !settings->net.http_version;
	protocols.tls = falls_back ? TLS_HTTP_BEST : TLS_HTTP_2;
	protocols.clear_h2 = settings->net.http2 || !falls_back;
	return protocols;
}
