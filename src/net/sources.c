#include "net/sources.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <unistd.h>

#include "base/cidr.h"

#define COUNT_MAX ((uint64_t)1 << 32)
#define PROBE_PORT 9 /* discard; nothing is sent to it */

/* The addresses of one family, block behind block. */
struct sources_family {
	size_t count;    /* blocks */
	struct cidr *at; /* the blocks, ... */
	uint64_t *ends;  /* ... and how many addresses there are up to the end of each */
};

struct sources {
	struct sources_family v4, v6;
};

static const struct sources_family *sources_of(const struct sources *sources, int family) {
	if (family == AF_INET) return &sources->v4;
	return family == AF_INET6 ? &sources->v6 : NULL;
}

static void sources_write(const struct cidr *block, uint64_t index, struct address *ret) {
	*ret = (struct address){.size = block->v6 ? sizeof(ret->socket.v6) : sizeof(ret->socket.v4)};
	uint8_t bytes[16];
	cidr_address(block, index, bytes);
	if (block->v6) {
		ret->socket.v6.sin6_family = AF_INET6;
		memcpy(&ret->socket.v6.sin6_addr, bytes, sizeof(ret->socket.v6.sin6_addr));
	} else {
		ret->socket.v4.sin_family = AF_INET;
		memcpy(&ret->socket.v4.sin_addr, bytes, sizeof(ret->socket.v4.sin_addr));
	}
}

/* From a multicast address nobody can connect, yet bind() takes it and connect() then uses another one. */
static bool sources_is_multicast(const struct address *address) {
	if (address->socket.any.sa_family == AF_INET6) return IN6_IS_ADDR_MULTICAST(&address->socket.v6.sin6_addr);
	return IN_MULTICAST(ntohl(address->socket.v4.sin_addr.s_addr));
}

/* Whether a socket of UDP can be connected from the address to itself; nothing is sent. bind() alone also takes broadcast addresses, and any at all with
 * ip_nonlocal_bind. */
static bool sources_can_connect(int fd, const struct address *address) {
	struct address to = *address;
	if (to.socket.any.sa_family == AF_INET6)
		to.socket.v6.sin6_port = htons(PROBE_PORT);
	else
		to.socket.v4.sin_port = htons(PROBE_PORT);
	return bind(fd, &address->socket.any, address->size) == 0 && connect(fd, &to.socket.any, to.size) == 0;
}

/* Tries the first address of a block. */
static bool sources_try(const struct cidr *block, struct slice text, struct err *err) {
	struct address first;
	sources_write(block, 0, &first);
	int family = first.socket.any.sa_family, fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0) return err_set_sys(err, ERR_FAILED, errno, "--bind: cannot use '%.*s'", (int)text.size, text.at);
	bool fine = !sources_is_multicast(&first) && sources_can_connect(fd, &first);
	close(fd);
	if (fine) return true;
	char name[INET6_ADDRSTRLEN];
	inet_ntop(family, block->v6 ? (void *)&first.socket.v6.sin6_addr : (void *)&first.socket.v4.sin_addr, name, sizeof(name));
	return err_set(err, ERR_FAILED, "--bind: '%.*s': this machine has no address %s; 'ip address' lists those that it has", (int)text.size,
		text.at, name);
}

static void sources_add(struct sources_family *family, const struct cidr *block) {
	uint64_t before = family->count > 0 ? family->ends[family->count - 1] : 0;
	family->at[family->count] = *block;
	family->ends[family->count++] = before + cidr_count(block);
}

/* Adds an address or block. */
static bool sources_take(struct sources *sources, struct slice text, struct err *err) {
	struct cidr block;
	bool fine = cidr_parse(text, &block);
	assert(fine);
	if (!sources_try(&block, text, err)) return false;
	sources_add(block.v6 ? &sources->v6 : &sources->v4, &block);
	return true;
}

static void sources_family_init(struct sources_family *family, size_t room, struct arena *arena) {
	family->at = arena_array(arena, room, sizeof(*family->at));
	family->ends = arena_array(arena, room, sizeof(*family->ends));
}

bool sources_open(const struct text_list *texts, struct arena *arena, const struct sources **ret, struct err *err) {
	struct sources *sources = NULL;
	size_t room = texts->count;
	for (size_t i = 0; i < texts->count; i++)
		for (const char *at = texts->at[i]; *at; at++) room += *at == ',';
	if (room > 0) {
		sources = arena_alloc(arena, sizeof(*sources));
		sources_family_init(&sources->v4, room, arena);
		sources_family_init(&sources->v6, room, arena);
	}
	for (size_t i = 0; i < texts->count; i++) {
		struct slice rest = slice_of(texts->at[i]);
		while (rest.at)
			if (!sources_take(sources, slice_trim(slice_cut(rest, ',', &rest)), err)) return false;
	}
	*ret = sources;
	return true;
}

uint64_t sources_count(const struct sources *sources, int family) {
	const struct sources_family *of = sources_of(sources, family);
	if (!of || of->count == 0) return 0;
	uint64_t all = of->ends[of->count - 1];
	return all < COUNT_MAX ? all : COUNT_MAX;
}

bool sources_pick(const struct sources *sources, const struct address *to, uint64_t turn, struct address *ret) {
	int family = to->socket.any.sa_family;
	uint64_t count = sources_count(sources, family);
	if (count == 0) return false;
	const struct sources_family *of = sources_of(sources, family);
	uint64_t index = turn % count;
	size_t low = 0, high = of->count - 1; /* the first block that ends behind the index */
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (of->ends[middle] > index)
			high = middle;
		else
			low = middle + 1;
	}
	sources_write(&of->at[low], index - (low > 0 ? of->ends[low - 1] : 0), ret);
	return true;
}
