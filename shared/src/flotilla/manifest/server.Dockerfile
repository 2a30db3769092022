{{mark}}
