// SPDX-License-Identifier: Apache-2.0

extension FuzzCase {
    /// Text of programs other than tcpdump, one for each reader.
    static let formats = [
        """
        10:00:00.1 IP 10.4.0.2.22 > 10.1.0.1.50992: Flags [R.], seq 0, ack 1001, win 0, length 0
        \t0x0000:  4500 0028 0000 4000 3f06 27c9 0a04 0002  E..(..@.?.'.....
        \t0x0010:  0a01 0001 0016 c730 0000 0000 0000 03e9  .......0........
        \t0x0020:  5014 0000 d099 0000                      P.......
        """,
        """
        0000000 0045 2800 0000 0040 063f c927 040a 0200
        *
        0000040 010a 0100 1600 30c7 0000 0000 0000 e903
        0000060
        """,
        """
        No.     Time  Source  Destination  Protocol Length TTL Info
        1 0.000000 192.0.2.10 → 198.51.100.20 TCP 74 64 41000 → 8443 [SYN] Seq=0 Win=64240 Len=0
        2 0.041000 198.51.100.20 → 192.0.2.10 TLSv1.2 583 63 Alert
        """,
        """
        "No.","Time","Source","Destination","Protocol","Length","Info"
        "2","0.001000","198.51.100.20","192.0.2.10","TCP","54","8443  >  41000 [RST, ACK] Seq=1 Ack=1 Win=0 Len=0"
        """,
        "frame.time_epoch\tip.src\tip.dst\ttcp.srcport\ttcp.dstport\tip.ttl\ttcp.flags.str\n"
            + "1700000000.5\t192.0.2.10\t198.51.100.20\t41000\t8443\t64\t··········S·",
        """
        Frame 4: 70 bytes on wire (560 bits), 70 bytes captured (560 bits)
            Epoch Time: 1796032904.250000000 seconds
        Internet Protocol Version 4, Src: 203.0.113.1, Dst: 192.0.2.10
            Time to Live: 254
        Internet Control Message Protocol
            Type: 3 (Destination unreachable)
            Internet Protocol Version 4, Src: 192.0.2.10, Dst: 198.51.100.20
            Transmission Control Protocol, Src Port: 41000, Dst Port: 8443
        """,
        #"{"layers":{"ip":{"ip.ttl":["63"],"ip.src":"198.51.100.20","ip.dst":"192.0.2.10"},"tcp":{"tcp.flags":"0x0004"}}}"#,
        #"<packet><proto name="ip"><field name="ip.ttl" show="63"/><field name="ip.src" show="198.51.100.20"/></proto></packet>"#,
        """
        [  812.000100] DROP IN=eth0 OUT= MAC=02:00:00:00:00:02:02:00:00:00:00:01:08:00 SRC=198.51.100.20 DST=192.0.2.10 \
        LEN=40 TOS=0x00 PREC=0x00 TTL=63 ID=5 DF PROTO=TCP SPT=8443 DPT=41000 SEQ=1 ACK=78 WINDOW=0 RES=0x00 ACK RST URGP=0
        Nov 30 10:01:44 IN=eth0 OUT=eth1 SRC=198.51.100.20 DST=192.0.2.10 TTL=57 PROTO=ICMP TYPE=3 CODE=1 \
        [SRC=192.0.2.10 DST=198.51.100.20 PROTO=TCP SPT=41000 DPT=8443 ]
        """,
        "9,,,1000000103,igb1,match,block,out,4,0x0,,63,5,0,DF,6,tcp,40,198.51.100.20,192.0.2.10,8443,41000,0,R,500,0,0,,",
        """
        3.100000 wan1 in 192.0.2.10.41000 -> 198.51.100.20.8443: psh 77 ack 5
        3.103000 lan out 198.51.100.20 -> 192.0.2.10: icmp: 192.0.2.10 udp port 53 unreachable
        """,
        """
           2: 10:01:44.251000 0200.0000.0002 0200.0000.0001 0x0800 Length: 54
              198.51.100.20.8443 > 192.0.2.10.41000: R [tcp sum ok] 0:0(0) ack 78 win 0 (DF) (ttl 63, id 5)
        """,
        """
        [vs_0][fw_1] eth2:O[40]: 198.51.100.20 -> 192.0.2.10 (TCP) len=40 id=0
        TCP: 8443 -> 41000 ..R.A. seq=00000000 ack=0000004e
        """,
        """
        RCVD (0.0400s) ICMP [198.51.100.20 > 192.0.2.10 Echo reply (type=0/code=0) id=3 seq=4] IP [ttl=57 id=8 iplen=28 ]
        len=46 ip=198.51.100.20 ttl=63 DF id=0 sport=8443 flags=RA seq=0 win=0 rtt=1.2 ms
        64 bytes from server.example (198.51.100.20): icmp_seq=3 ttl=57 time=2.01 ms
        22/tcp closed ssh reset ttl 63
        """,
    ]
}
