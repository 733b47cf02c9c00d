import ArgumentParser
import UnixSignals
import Yams
