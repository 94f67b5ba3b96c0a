"""What answers on a port: health, metrics, and webhooks, which only verify and enqueue.

May import everything below ``bootstrap``; holds no business rule. A plain WSGI application (PEP 3333), served by waitress.
"""
