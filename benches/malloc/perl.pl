# Perl at work: words split and counted, records joined and sorted, patterns substituted.
use strict;
use warnings;

my $rounds = int(5 * $ARGV[0] / 100) || 1;
my $state = 14;
sub below { $state = ($state * 1103515245 + 12345) % 2147483648; return int($state / 65536) % $_[0] }

my $sum = 0;
for my $round (1 .. $rounds) {
    my $text = join ' ', map { 'word' . below(4000) . ('s' x below(20)) } 1 .. 30000;
    my %count;
    $count{$_}++ for split / /, $text;
    my @records = map { { name => $_, count => $count{$_}, tags => [ split //, substr($_, 0, 5) ] } } keys %count;
    my @order = sort { $b->{count} <=> $a->{count} || $a->{name} cmp $b->{name} } @records;
    $sum += length $order[0]{name};
    (my $other = $text) =~ s/word(\d+)/<$1>/g;
    $sum += length $other;
    $sum += scalar @order;
}
print "checksum $sum\n";
