# Hashes, regular expressions, sorting, string growth, a fork for each part.
use strict;
use warnings;

sub work {
    my ($seed) = @_;
    my (%count, @words, $text);
    $text = '';
    for my $i (1 .. 30000) {
        $seed = ($seed * 1103515245 + 12345) % 2147483648;
        my $word = sprintf('%x', $seed >> ($i % 16));
        $count{$word}++;
        push @words, $word;
        $text .= "$word,";
        shift @words if @words > 5000;
    }
    my $runs = () = $text =~ /([0-9a-f])\1/g;
    (my $less = $text) =~ s/[a-f]+/-/g;
    my @top = (sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count)[0 .. 4];
    return join ' ', scalar(keys %count), $runs, length $less, @top;
}

print 'alone ', work(1), "\n";
for my $part (2 .. 4) {
    my $child = open(my $from, '-|') // die "fork: $!";
    if (!$child) {
        print 'child ', work($part), "\n";
        exit 0;
    }
    print <$from>;
    close $from or die "child failed: $?";
}
