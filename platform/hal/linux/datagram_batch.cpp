#include "platform/hal/linux/datagram_batch.h"

#include <cstring>

#include "platform/base/panic.h"
#include "platform/hal/linux/system_error.h"

namespace samara::hal {

Result<DatagramBatch, Refusal> DatagramBatch::create(SharedCounters& counters) {
  auto payloads = Mapping::anonymous(capacity * payload_stride);
  auto replies = Mapping::anonymous(capacity * reply_stride);
  auto headers = Mapping::anonymous(sizeof(Headers));
  if (!payloads.has_value() || !replies.has_value() || !headers.has_value()) {
    return fail(Refusal(ExitCode::unavailable, "no memory for datagrams: ", SystemError{}));
  }
  return DatagramBatch(std::move(*payloads), std::move(*replies), std::move(*headers), counters);
}

DatagramBatch::DatagramBatch(Mapping payloads, Mapping replies, Mapping headers, SharedCounters& counters)
    : payload_memory_(std::move(payloads)),
      reply_memory_(std::move(replies)),
      header_memory_(std::move(headers)),
      headers_(::new(header_memory_.bytes().data()) Headers{}),
      counters_(&counters) {
  prepare();
}

void DatagramBatch::prepare() {
  Headers& h = *headers_;
  for (size_t i = 0; i < capacity; ++i) {
    h.payloads[i] = {.iov_base = payload_memory_.bytes().data() + i * payload_stride, .iov_len = payload_room};
    h.in[i].msg_hdr = {.msg_name = &h.peers[i],
                       .msg_namelen = sizeof(SocketAddress),
                       .msg_iov = &h.payloads[i],
                       .msg_iovlen = 1,
                       .msg_control = &h.controls_in[i],
                       .msg_controllen = 0,
                       .msg_flags = 0};
    h.replies[i] = {.iov_base = reply_memory_.bytes().data() + i * reply_stride, .iov_len = 0};
    h.out[i].msg_hdr = {.msg_name = nullptr,
                        .msg_namelen = 0,
                        .msg_iov = &h.replies[i],
                        .msg_iovlen = 1,
                        .msg_control = &h.controls_out[i],
                        .msg_controllen = 0,
                        .msg_flags = 0};
  }
}

size_t DatagramBatch::exchange(const ListenSocket& socket, Instant now, runtime::ApplicationRef app) {
  Headers& h = *headers_;
  const size_t control_size = socket.wildcard ? control_room : 0;
  if (control_size != control_size_) {
    for (mmsghdr& in : h.in) in.msg_hdr.msg_controllen = control_size;
    control_size_ = control_size;
  }
  const int received = ::recvmmsg(socket.fd.get(), h.in.data(), capacity, MSG_DONTWAIT, nullptr);
  if (received <= 0) return 0;  // nothing there, interrupted, or an error the kernel had stored for the socket
  const size_t datagrams = static_cast<size_t>(received);
  size_t replies = 0;
  for (size_t i = 0; i < datagrams; ++i) {
    mmsghdr& in = h.in[i];
    mmsghdr& out = h.out[replies];
    const bool whole = (in.msg_hdr.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0;
    const bool good = whole && (!socket.wildcard || read_local(in.msg_hdr, socket, out.msg_hdr));
    if (!good) [[unlikely]] {
      count(counters_->datagrams_cut);
    } else {
      const Endpoint peer = to_endpoint(h.peers[i]);
      const size_t size = app.on_datagram(now, {.peer = peer,
                                                .local = socket.wildcard ? local_ : socket.local,
                                                .payload = payload_memory_.bytes().subspan(i * payload_stride, in.msg_len),
                                                .reply = reply_memory_.bytes().subspan(replies * reply_stride, reply_room)});
      if (size > reply_room) panic("an answer is longer than its room");
      if (size != 0) {
        h.replies[replies].iov_len = size;
        out.msg_hdr.msg_name = &h.peers[i];
        out.msg_hdr.msg_namelen = in.msg_hdr.msg_namelen;
        if (!socket.wildcard) out.msg_hdr.msg_controllen = 0;
        ++replies;
      }
    }
    // What the kernel overwrote.
    in.msg_hdr.msg_namelen = sizeof(SocketAddress);
    in.msg_hdr.msg_controllen = control_size;
  }
  count(counters_->datagrams_in, datagrams);
  if (replies != 0) send(socket.fd.get(), replies);
  return datagrams;
}

// The address asked, from the packet information; and the same as the source of the answer. The interface is left to
// routing, but for link-local addresses, which mean nothing without one (RFC 4007 section 6).
bool DatagramBatch::read_local(const msghdr& in, const ListenSocket& socket, msghdr& out) {
  const cmsghdr* head = CMSG_FIRSTHDR(&in);
  if (head == nullptr) return false;
  cmsghdr* answer = static_cast<cmsghdr*>(out.msg_control);
  if (head->cmsg_level == IPPROTO_IP && head->cmsg_type == IP_PKTINFO) {
    in_pktinfo info{};
    std::memcpy(&info, CMSG_DATA(head), sizeof info);
    local_ = {to_address(info.ipi_spec_dst), socket.local.port};
    info.ipi_ifindex = 0;
    *answer = {.cmsg_len = CMSG_LEN(sizeof info), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO};
    std::memcpy(CMSG_DATA(answer), &info, sizeof info);
    out.msg_controllen = CMSG_SPACE(sizeof info);
    return true;
  }
  if (head->cmsg_level == IPPROTO_IPV6 && head->cmsg_type == IPV6_PKTINFO) {
    in6_pktinfo info{};
    std::memcpy(&info, CMSG_DATA(head), sizeof info);
    local_ = {to_address(info.ipi6_addr), socket.local.port};
    if (!IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) info.ipi6_ifindex = 0;
    *answer = {.cmsg_len = CMSG_LEN(sizeof info), .cmsg_level = IPPROTO_IPV6, .cmsg_type = IPV6_PKTINFO};
    std::memcpy(CMSG_DATA(answer), &info, sizeof info);
    out.msg_controllen = CMSG_SPACE(sizeof info);
    return true;
  }
  return false;
}

// Never waits: an answer the system has no room for is dropped, and the client asks again.
void DatagramBatch::send(int fd, size_t replies) {
  size_t done = 0;
  size_t unsent = 0;
  while (done < replies) {
    const int n = ::sendmmsg(fd, &headers_->out[done], static_cast<unsigned>(replies - done), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0) {
      done += static_cast<size_t>(n);
    } else if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM) {
      unsent += replies - done;
      break;
    } else if (errno != EINTR) {
      // This one has no way to its peer (no route, a firewall, port 0); the others may.
      ++unsent;
      ++done;
    }
  }
  count(counters_->datagrams_out, replies - unsent);
  if (unsent != 0) [[unlikely]] {
    count(counters_->datagrams_unsent, unsent);
  }
}

}  // namespace samara::hal
