"""A background fetch shown in a terminal. Spec: https://wicg.github.io/background-fetch/#background-fetch-display-algorithm"""
