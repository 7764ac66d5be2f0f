"""How each guard is taken away: functions that change a module of the product once it is imported.

None of them may import the product: they run in processes that have not begun yet.
"""
