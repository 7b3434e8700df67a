"""samara_net.h for Python: one class for a host, one for the wire between hosts, with a virtual clock. See samara_net.h."""
import ctypes
import ipaddress
import random

MTU = 1500
FRAME = 14 + 9216
NEVER = 2**64 - 1
SECOND = 10**9
DATAGRAM, STREAM = 1, 2
READABLE, WRITABLE, CONNECTED, END, CLOSED = 1, 2, 4, 8, 16
MORE, URGENT = 1, 2
TENTATIVE, PREFERRED, DEPRECATED, DUPLICATE = 0, 1, 2, 3
WOULD_BLOCK, INVALID, BAD_SOCKET, ADDRESS_IN_USE = -1, -2, -3, -4
NOT_CONNECTED, RESET, REFUSED, TIMED_OUT = -10, -11, -12, -13
NO_DELAY, KEEP_ALIVE, USER_TIMEOUT = 1, 2, 6
RANDOM = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.POINTER(ctypes.c_uint8), ctypes.c_size_t)


class Address(ctypes.Structure):
    _fields_ = [("family", ctypes.c_uint8), ("octets", ctypes.c_uint8 * 16)]

    @classmethod
    def of(cls, text):
        address = ipaddress.ip_address(text)
        return cls(address.version, (ctypes.c_uint8 * 16)(*address.packed))

    def __str__(self):
        return str(ipaddress.ip_address(bytes(self.octets[:4 if self.family == 4 else 16])))


class Endpoint(ctypes.Structure):
    _fields_ = [("address", Address), ("port", ctypes.c_uint16)]


class Interface(ctypes.Structure):
    _fields_ = [("address", Address), ("prefix_length", ctypes.c_uint8), ("origin", ctypes.c_uint8),
                ("condition", ctypes.c_uint8)]


class Route(ctypes.Structure):
    _fields_ = [("destination", Address), ("prefix_length", ctypes.c_uint8), ("gateway", Address),
                ("metric", ctypes.c_uint32)]


class Config(ctypes.Structure):
    _fields_ = [("size", ctypes.c_uint32), ("mac", ctypes.c_uint8 * 6), ("mtu", ctypes.c_uint16), ("flags", ctypes.c_uint32),
                ("addresses", ctypes.POINTER(Interface)), ("address_count", ctypes.c_uint32),
                ("routes", ctypes.POINTER(Route)), ("route_count", ctypes.c_uint32),
                ("random", RANDOM), ("random_context", ctypes.c_void_p),
                *((name, ctypes.c_uint32) for name in ("tcp_connections", "tcp_half_open", "tcp_time_wait", "tcp_listeners",
                                                        "tcp_blocks", "tcp_send_limit", "tcp_receive_limit"))]


class Event(ctypes.Structure):
    _fields_ = [("kind", ctypes.c_uint32), ("address", Address)]


def load(path):
    library = ctypes.CDLL(path)
    library.samara_net_create.restype = ctypes.c_void_p
    library.samara_net_error_text.restype = ctypes.c_char_p
    library.samara_net_next_deadline.restype = ctypes.c_uint64
    library.samara_net_addresses.restype = ctypes.c_size_t
    for name in ("poll_frame", "send", "receive", "sendto", "recvfrom", "unacknowledged"):
        getattr(library, "samara_net_" + name).restype = ctypes.c_long
    return library


def endpoint(address, port):
    return ctypes.byref(Endpoint(Address.of(address), port))


class Host:
    """One samara_net. Methods are the calls of samara_net.h without the prefix; octets are bytes."""

    def __init__(self, library, mac, addresses, seed=1, now=0, **settings):
        self.library = library
        source = random.Random(seed)

        def fill(_, out, size):
            ctypes.memmove(out, source.randbytes(size), size)
        self.random = RANDOM(fill)  # kept alive as long as the host
        interfaces = [ipaddress.ip_interface(text) for text in addresses]
        table = (Interface * len(interfaces))(*(Interface(Address.of(str(one.ip)), one.network.prefixlen, 0, 0)
                                                for one in interfaces))
        config = Config(size=ctypes.sizeof(Config), mac=(ctypes.c_uint8 * 6)(*mac), addresses=table,
                        address_count=len(interfaces), random=self.random, **settings)
        self.net = ctypes.c_void_p(library.samara_net_create(ctypes.byref(config), ctypes.c_uint64(now)))
        assert self.net, "samara_net_create refused the configuration"
        self.frame = ctypes.create_string_buffer(FRAME)

    def __getattr__(self, name):
        function = getattr(self.library, "samara_net_" + name)
        return lambda *arguments: function(self.net, *arguments)

    def advance(self, now):
        self.set_time(ctypes.c_uint64(now))

    def feed(self, octets):
        self.feed_frame(octets, ctypes.c_size_t(len(octets)))

    def frames(self):
        while (size := self.poll_frame(self.frame, ctypes.c_size_t(FRAME))) != 0:
            assert size > 0, self.library.samara_net_error_text(size)
            yield self.frame.raw[:size]

    def own_addresses(self):
        """(address, origin, condition) of each."""
        table = (Interface * 256)()
        return [(str(one.address), one.origin, one.condition)
                for one in table[:self.addresses(table, ctypes.c_size_t(len(table)))]]

    def read(self, socket, capacity=65536):
        """Octets, or the error."""
        into = ctypes.create_string_buffer(capacity)
        size = self.receive(socket, into, ctypes.c_size_t(capacity))
        return into.raw[:size] if size >= 0 else size

    def write(self, socket, octets, flags=0):
        return self.send(socket, octets, ctypes.c_size_t(len(octets)), flags)

    def write_to(self, socket, octets, address, port):
        return self.sendto(socket, octets, ctypes.c_size_t(len(octets)), endpoint(address, port))

    def read_from(self, socket, capacity=65536):
        """Octets and who sent them, or the error and nobody."""
        into, peer = ctypes.create_string_buffer(capacity), Endpoint()
        size = self.recvfrom(socket, into, ctypes.c_size_t(capacity), ctypes.byref(peer), None)
        return (into.raw[:size], (str(peer.address), peer.port)) if size >= 0 else (size, None)


class Wire:
    """Hosts on one link. A frame takes `delay` to all others, unless drop(frame) says that it is lost."""

    def __init__(self, hosts, delay=SECOND // 1000, drop=lambda frame: False):
        self.hosts, self.delay, self.drop = hosts, delay, drop
        self.now, self.under_way, self.carried = 0, [], 0

    def step(self):
        """Up to the next thing that happens; False: nothing ever will by itself."""
        for host in self.hosts:
            for frame in host.frames():
                if not self.drop(frame):
                    self.under_way.append((self.now + self.delay, host, frame))
        next_time = min([host.next_deadline() for host in self.hosts] + [at for at, _, _ in self.under_way])
        if next_time == NEVER:
            return False
        self.now = max(self.now, next_time)
        arrived = [one for one in self.under_way if one[0] <= self.now]
        self.under_way = [one for one in self.under_way if one[0] > self.now]
        for host in self.hosts:
            host.advance(self.now)
        for _, sender, frame in arrived:
            self.carried += 1
            for host in self.hosts:
                if host is not sender:
                    host.feed(frame)
        return True

    def run(self, until, limit=60 * SECOND):
        """Until until() is true; False when `limit` of virtual time went by first."""
        end = self.now + limit
        while not until():
            if self.now > end or not self.step():
                return until()
        return True
