# The hook of Ruby: connections to the hosts of the real service go to the server of HTTPS_PROXY instead.
# Net::HTTP takes the proxy of http for https too, so that a variable would also redirect the requests to other hosts.
require 'socket'
require 'uri'

module MockHeidiHook
  HOSTS = File.readlines(File.join(__dir__, 'hosts.txt'), chomp: true).freeze

  # The URL of the proxy, if this is a host of the real service.
  def self.proxy_for(host, port)
    proxy = ENV['HTTPS_PROXY']
    URI(proxy) if proxy && HOSTS.include?(host.to_s.downcase.chomp('.')) && port.to_s == '443'
  end

  # Names the namespace, if the proxy has a user. A header of the PROXY protocol: see preamble.py.
  def self.begin(socket, proxy)
    name = proxy.user or return
    socket.write("\r\n\r\n\0\r\nQUIT\n".b + [0x20, 0, 3 + name.size, 0xE0, name.size].pack('CCnCn') + name)
  end

  # Of Socket
  module Tcp
    def tcp(host, port, *rest, **options, &block)
      proxy = MockHeidiHook.proxy_for(host, port) or return super
      socket = super(proxy.hostname, proxy.port, *rest, **options, &nil)
      MockHeidiHook.begin(socket, proxy)
      return socket unless block

      begin
        yield socket
      ensure
        socket.close
      end
    end
  end

  # Of TCPSocket
  module Initialize
    def initialize(host, port = nil, *rest, **options)
      proxy = MockHeidiHook.proxy_for(host, port) or return super
      super(proxy.hostname, proxy.port, *rest, **options)
      MockHeidiHook.begin(self, proxy)
    end
  end
end

Socket.singleton_class.prepend(MockHeidiHook::Tcp)
TCPSocket.prepend(MockHeidiHook::Initialize)
