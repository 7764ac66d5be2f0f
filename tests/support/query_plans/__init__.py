"""Every query of every store, on a database big enough that a plan means something.

``big_shop`` names what is in it and ``seeding`` fills it; ``calls`` holds arguments for each
function of each store, which ``stores`` finds; ``recording`` runs a call and keeps what the server
made of its statements, ``judging`` says what is wrong with that.
"""
