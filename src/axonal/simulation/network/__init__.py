"""The network engine: routers, links and packets, cycle by cycle."""
